import {AuthError} from '../../support/errors.ts';

/** What the validator found; with `verbose` it says of what. */
interface ValidationIssue {
  readonly keyword: string;
  /** A pointer to the field (RFC 6901); empty for the whole. */
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly parentSchema?: {readonly type?: unknown; readonly required?: readonly string[]};
  readonly data?: unknown;
}

/** Says which field was refused and what it has to be, in our own words: the validator's are for who writes schemas. */
export function describeValidation([issue]: readonly ValidationIssue[]): Error {
  const message = issue === undefined ? 'the request is not acceptable' : sentence(issue);
  const otherGrant = issue?.instancePath === '/grant_type' && issue.keyword === 'const';
  return new AuthError('invalid_request', message, {
    message,
    ...(otherGrant && {oauth: 'unsupported_grant_type'}),
  });
}

function sentence(issue: ValidationIssue): string {
  const {keyword, instancePath, params} = issue;
  if (keyword === 'required') return `${String(params['missingProperty'])} is needed`;
  if (instancePath === '') return aboutBody(issue);
  return `${instancePath.slice(1)} ${demand(issue)}`;
}

/** A query and a form are always objects. */
function aboutBody({data, parentSchema}: ValidationIssue): string {
  const needed = parentSchema?.required?.join(', ');
  // Fastify gives null for a body that is not there.
  if (needed !== undefined && (data === null || data === undefined)) return `a body with ${needed} is needed`;
  return needed === undefined
    ? 'the body must be an object, or be left out'
    : `the body must be an object with ${needed}`;
}

/** Stands after the field's name. */
function demand({keyword, params, parentSchema, data}: ValidationIssue): string {
  const limit = Number(params['limit']);
  switch (keyword) {
    case 'type':
      // In a query or a form that is how a field looks that is there twice.
      return Array.isArray(data)
        ? 'must be given once, as a string'
        : `must be ${list([parentSchema?.type].flat().map(kind))}`;
    case 'minLength':
      return limit === 1 ? 'must not be empty' : `must be at least ${limit} characters long`;
    case 'maxLength':
      return `must not be longer than ${limit} characters`;
    case 'const':
      return `must be ${String(params['allowedValue'])}`;
    case 'enum':
      return `must be ${list([params['allowedValues']].flat().map(String))}`;
    default:
      return 'is not acceptable';
  }
}

const kind = (type: unknown): string => (type === 'null' ? 'null' : `a ${String(type)}`);

const list = (choices: readonly string[]): string => [...new Set(choices)].join(' or ');
