import {z} from 'zod';
import {objectName, secretKey} from './fields.ts';

/** A Secret in the resource's own namespace whose keys have fixed names. */
export function secretRef(what: string): z.ZodObject<{name: z.ZodString}> {
  return z.object({name: objectName('a Secret').meta({description: `The name of ${what}.`})});
}

/** One key of a Secret in the resource's own namespace. */
export function secretKeyRef(what: string, defaultKey: string) {
  return z.object({
    name: objectName('a Secret').meta({description: `The name of ${what}.`}),
    key: secretKey().default(defaultKey).meta({description: 'The key in its data.'}),
  });
}
