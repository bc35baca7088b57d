import {z} from 'zod';
import {matches, withRules} from './rules.ts';

// The grammar of image references (distribution/reference). What stands before the first slash is a registry where it
// has a dot or a port, or is localhost; otherwise it is a part of the path.
const LABEL = '[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?';
const PORT = ':[0-9]{1,5}';
const REGISTRY = `(${LABEL}((\\.${LABEL})+(${PORT})?|${PORT})|\\[[0-9a-fA-F:]+\\](${PORT})?)`;
const PART = '[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*';
const TAG = ':[a-zA-Z0-9_][-a-zA-Z0-9_.]{0,127}';
const DIGEST = '@(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})';
const IMAGE = new RegExp(`^(${REGISTRY}/)?${PART}(/${PART})*(${TAG})?(${DIGEST})?$`);

/** The schema of an image's name, as a kubelet takes it. */
export const image = withRules(z.string().max(512), [
  matches(
    IMAGE,
    'must be an image such as registry.example.com/fraiseql-auth:1.2.3: its path in lower case, without https:// before it and with nothing empty between slashes or after the colon',
  ),
]);
