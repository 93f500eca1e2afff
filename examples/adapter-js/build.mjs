// Makes a component without imports of a compiled adapter.ts: node build.mjs IN.js OUT.wasm
//
// componentize-js loads `@bytecodealliance/preview2-shim` and does not list it, so package.json
// does.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { componentize } from '@bytecodealliance/componentize-js';

const [source, out] = process.argv.slice(2);
if (out === undefined) {
  console.error('usage: node build.mjs IN.js OUT.wasm');
  process.exit(2);
}
const wit = readFileSync(join(import.meta.dirname, '../../wit/adapter.wit'), 'utf8');
const { component } = await componentize(readFileSync(source, 'utf8'), wit, {
  worldName: 'ats-adapter',
  // All of it: the engine loads no component that imports anything.
  disableFeatures: ['random', 'stdio', 'clocks', 'http', 'fetch-event'],
});
writeFileSync(out, component);
console.log(`${out}: ${component.length} bytes`);
