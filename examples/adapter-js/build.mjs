// Makes target/adapter.wasm, a component without imports, of the compiled adapter.ts.
//
// componentize-js loads `@bytecodealliance/preview2-shim` and does not list it, so package.json
// does.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { componentize } from '@bytecodealliance/componentize-js';

const here = import.meta.dirname;
const text = (file) => readFileSync(join(here, file), 'utf8');
const { component } = await componentize(text('target/adapter.js'), text('adapter.wit'), {
  worldName: 'ats-adapter',
  // All of it: the engine loads no component that imports anything.
  disableFeatures: ['random', 'stdio', 'clocks', 'http', 'fetch-event'],
});
writeFileSync(join(here, 'target/adapter.wasm'), component);
console.log(`target/adapter.wasm: ${component.length} bytes`);
