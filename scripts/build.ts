// Bundles the program into dist/main.js, one file a room that only its own subcommand loads, and copies what is
// read at run time. Bundling brings the start of the Kubernetes client from half a second to a fifth.
import {chmod, cp, mkdir, readFile, rm} from 'node:fs/promises';
import {build} from 'esbuild';
import {lean} from './lean.ts';

interface PackageManifest {
  readonly version: string;
}

const manifest = JSON.parse(await readFile('package.json', 'utf8')) as PackageManifest;
const version = process.env['VERSION'] || manifest.version;

await rm('dist', {recursive: true, force: true});
await mkdir('dist', {recursive: true});
await build({
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  sourcemap: 'linked',
  sourcesContent: false,
  minifySyntax: true,
  // The source stays in memory as long as the process runs, and takes twice the room where one of its comments holds a
  // letter that is not Latin.
  minifyWhitespace: true,
  lineLimit: 160,
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [lean],
  external: ['pg-native'],
  define: {'process.env.FRAISEQL_AUTH_VERSION': JSON.stringify(version)},
  banner: {
    js: [
      // V8 lets the space for new objects grow to 48 MB and more, and gives none of it back; what a request leaves behind
      // needs no such room. It begins with 1 MB, which is so soon full that what is under way is still in use, and is
      // copied each time. The C library has a heap for each of a dozen threads, and gives nothing of those back either;
      // nor of a heap with one small thing at its top. So what is large, as the bodies of long lists are, has a mapping of
      // its own.
      '#!/usr/bin/env -S MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=32768 MALLOC_TRIM_THRESHOLD_=65536 node --min-semi-space-size=4 --max-semi-space-size=8',
      // Bundled CommonJS asks for these names; an ES module does not have them.
      "import {createRequire as __createRequire} from 'node:module'; import {fileURLToPath as __fileURLToPath} from 'node:url'; import {dirname as __pathDirname} from 'node:path'; const require = __createRequire(import.meta.url); const __filename = __fileURLToPath(import.meta.url); const __dirname = __pathDirname(__filename);",
    ].join('\n'),
  },
});
await chmod('dist/main.js', 0o755);
await cp('src/database/migrations', 'dist/migrations', {recursive: true});
