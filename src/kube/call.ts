import {ApiError} from './errors.ts';
import {keyOf, pathOf, type ObjectKey, type ResourceType} from './objects.ts';
import type {Call, Transport} from './transport.ts';

/** What every call may be given. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** The whole call, retries included, ends within this; default 30 s. */
  timeoutMs?: number | undefined;
}

/** What a call that writes may be given. */
export interface WriteOptions extends CallOptions {
  /** The server does all that it would, admission included, answers what would come of it, and stores nothing. */
  dryRun?: boolean | undefined;
}

/** What asks the server for a dry run. */
export const dryRunOf = ({dryRun}: WriteOptions): 'All' | undefined => (dryRun === true ? 'All' : undefined);

/** Which objects of a type a list or a watch is of, and how much of each. */
export interface Selection {
  /** Left out: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  /** Only `metadata` of each object is sent: for types whose contents nobody here may keep. */
  metadataOnly?: boolean | undefined;
}

/** What asks for `metadata` alone. */
export const METADATA = {
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  watch: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
};

/** A call about a type's objects, as the client makes it. */
export type TypedCall = Pick<Call, 'method' | 'verb' | 'query' | 'body' | 'timeoutMs' | 'signal'> & {
  key: {namespace?: string | undefined; name?: string | undefined};
  /** The object's name where the URL does not hold it. */
  named?: ObjectKey | undefined;
  subresource?: string | undefined;
  contentType?: string | undefined;
  accept?: string | undefined;
};

/** What the transport needs to know of it. */
export function toCall(type: ResourceType, request: TypedCall): Call {
  const {key, named, subresource, contentType, accept, ...rest} = request;
  const object = named ?? (key.name === undefined ? undefined : {...key, name: key.name});
  const name = object === undefined ? (key.namespace ?? '') : keyOf(object);
  return {
    ...rest,
    target: [type.plural, name].filter((part) => part !== '').join(' '),
    path: pathOf(type, {...key, subresource}),
    secret: type.kind === 'Secret',
    ...(contentType === undefined ? {} : {contentType}),
    ...(accept === undefined ? {} : {accept}),
  };
}

/** Sends it and reads the answer. @throws ApiError for every failure */
export async function callJson<T>(transport: Transport, type: ResourceType, request: TypedCall): Promise<T> {
  const call = toCall(type, request);
  const text = await transport.send(call);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw notJson(call);
  }
}

/** What the parser would say of it quotes the answer, in which there may be secrets. */
export function notJson({verb, target}: Pick<Call, 'verb' | 'target'>): ApiError {
  return new ApiError(0, 'BadResponse', `${verb} ${target}: BadResponse: the answer is not JSON`);
}

/** Those of a call's options that every call has. */
export function callOptions(options: CallOptions): CallOptions {
  return {signal: options.signal, timeoutMs: options.timeoutMs};
}

/** The selector, as a parameter of the URL. */
export function selector({labelSelector}: Selection): Pick<Selection, 'labelSelector'> {
  return {labelSelector};
}
