import {stringify} from 'yaml';

const HEADER = '# Generated from src/api and scripts/generate by `make generate`. Do not edit.\n';

/** YAML documents under a line that says where they come from. */
export function yamlFile(...documents: unknown[]): string {
  return (
    HEADER +
    documents.map((each) => stringify(each, {lineWidth: 0, aliasDuplicateObjects: false})).join('---\n')
  );
}
