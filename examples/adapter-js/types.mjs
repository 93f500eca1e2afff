// Writes generated/contract.d.ts: the types of the contract, from adapter.wit. With `--check`
// it only compares.
//
// jco's own command reads the file through a shim of WASI, which in this version does not find it;
// so the generator that jco brings is called with the text.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const jco = createRequire(require.resolve('@bytecodealliance/jco'));
const transpile = dirname(dirname(jco.resolve('@bytecodealliance/jco-transpile')));
const generator = join(transpile, 'vendor/js-component-bindgen-component.js');
const bindgen = await import(pathToFileURL(generator));
await bindgen.$init;

const here = import.meta.dirname;
const wit = { tag: 'source', val: readFileSync(join(here, 'adapter.wit'), 'utf8') };
const files = bindgen.generateTypes('adapter', {
  wit,
  world: 'ats-adapter',
  guest: true,
  strict: true,
  tlaCompat: false,
  features: { tag: 'list', val: [] },
  flagsAsBigint: false,
  variantsInlineCases: false,
  useNamespaceObjects: false,
  enumValuesScreamingSnakeCase: false,
});
const [, types] = files.find(([name]) => name.startsWith('interfaces/'));
const place = join(here, 'generated/contract.d.ts');
const made = Buffer.from(types);
if (!process.argv.includes('--check')) {
  writeFileSync(place, made);
} else if (!made.equals(readFileSync(place))) {
  console.error(`${place} is not what adapter.wit makes; run: npm run types`);
  process.exit(1);
}
