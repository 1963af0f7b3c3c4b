// Runs a WebAssembly program with WASI: node tools/wasi.mjs PROGRAM ARGUMENTS...
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const [program, ...args] = process.argv.slice(2);
const wasi = new WASI({ version: 'preview1', args: [program, ...args], env: process.env, preopens: { '/': '/' } });
const module = await WebAssembly.compile(readFileSync(program));
process.exitCode = 101; // what an exception leaves behind
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
