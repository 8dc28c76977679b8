// Bundles src/ into the folder named on the command line: index.html, and assets/ whose names carry their hash.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const FIRST_PAGE = 80_000; // bytes of script and style on the wire, gzip
const LATER = 120_000; // bytes of any part that a page loads by itself
const root = fileURLToPath(new URL('.', import.meta.url));
const out = process.argv[2];
if (!out) throw new Error('build.mjs wants the folder to write: node build.mjs FOLDER');

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
// What pages share is one part: cut by who shares what, as esbuild does by itself, it would be dozens of files of a few hundred bytes.
const APART = /schema|sha256|lineage|layers/; // what few pages want
const shared = ['parts', 'api', 'shell'].flatMap((folder) => readdirSync(join(root, 'src', folder)).map((file) => join(root, 'src', folder, file)))
  .filter((path) => !APART.test(path) && !/early|app[.]tsx$/.test(path));
const together = {
  name: 'together',
  setup: (build) => {
    build.onResolve({ filter: /^shared$/ }, () => ({ path: 'shared', namespace: 'together' }));
    build.onLoad({ filter: /.*/, namespace: 'together' }, () => ({ contents: shared.map((path) => `import ${JSON.stringify(path)};`).join('\n'), resolveDir: root }));
    build.onLoad({ filter: /src[\\/](main|pages[\\/][^\\/]+)[.]tsx$/ }, ({ path }) => ({ contents: `import 'shared';${readFileSync(path, 'utf-8')}`, loader: 'tsx' }));
  },
};
const { metafile } = await esbuild.build({
  plugins: [together],
  absWorkingDir: root,
  entryPoints: ['src/main.tsx', 'src/shell/early.ts'],
  entryNames: 'assets/[name]-[hash]',
  chunkNames: 'assets/[name]-[hash]',
  assetNames: 'assets/[name]-[hash]',
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['es2022'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  minify: true,
  loader: { '.md': 'text' }, // docs/words.md, for the page Help
  legalComments: 'none', // LICENSES.txt has them whole
  metafile: true,
  logLevel: 'warning',
});

const files = Object.entries(metafile.outputs).map(([path, facts]) => ({ ...facts, path: join(root, path) }));
const entry = (name) => files.find((file) => file.entryPoint === name);
const main = entry('src/main.tsx');
const address = (path) => `./${path.slice(path.lastIndexOf('assets/'))}`;
const known = (path) => files.find((file) => file.path === join(root, path));
const parts = (file) => [file, ...file.imports.filter((i) => i.kind === 'import-statement').map((i) => known(i.path))];
const first = [...new Set([main, entry('src/pages/home.tsx')].flatMap(parts))]; // where most begin
const style = known(main.cssBundle);

const page = readFileSync(join(root, 'src/index.html'), 'utf-8')
  .replace('EARLY', address(entry('src/shell/early.ts').path))
  .replace('STYLE', address(style.path))
  .replace('MAIN', address(main.path))
  .replace('<!-- PARTS -->', first.slice(1).map((file) => `<link rel="modulepreload" href="${address(file.path)}">`).join(''));
writeFileSync(join(out, 'index.html'), page);
writeFileSync(join(out, 'icon.svg'), readFileSync(join(root, 'src/icon.svg')));
writeFileSync(join(out, 'LICENSES.txt'), ['preact', 'uplot']
  .map((name) => `${name}\n\n${readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf-8')}`).join('\n\n'));

const weight = (file) => gzipSync(readFileSync(file.path), { level: 6 }).length;
const total = [...first, style].reduce((sum, file) => sum + weight(file), 0);
console.log(`first page: ${(total / 1000).toFixed(1)} kB of ${FIRST_PAGE / 1000} kB, gzip`);
if (total > FIRST_PAGE) throw new Error(`the first page weighs ${total} bytes, expected at most ${FIRST_PAGE}: load more of it later`);
for (const file of files.filter((file) => weight(file) > LATER)) throw new Error(`${file.path} weighs more than ${LATER} bytes`);
