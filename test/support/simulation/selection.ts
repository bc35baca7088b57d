import type {Selection} from '../../../src/kube/client.ts';
import type {KubeObject} from '../../../src/kube/objects.ts';

/** Whether a list or watch of that selection has the object. */
export function selects({namespace, labelSelector}: Selection, {metadata}: KubeObject): boolean {
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  return (labelSelector ?? '')
    .split(',')
    .filter((each) => each !== '')
    .every((each) => {
      const [name = '', value] = each.split('=');
      return metadata.labels?.[name] === value;
    });
}

/** The object as such a list or watch shows it. */
export function shown(object: KubeObject, {metadataOnly}: Selection): KubeObject {
  const {apiVersion, kind, metadata} = object;
  return structuredClone(metadataOnly === true ? {apiVersion, kind, metadata} : object);
}
