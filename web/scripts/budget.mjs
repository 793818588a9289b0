// Checks the size of what a page loads first, and of what it loads later, as built. In gzip kB, because that
// is what the oldest proxy still speaks; the browser usually gets the smaller .br.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const FIRST_JS_KB = 60;
const FIRST_CSS_KB = 12;
const LATER_KB = 30;
/** The light build of hls.js, when the house plays films. */
const LATER_HLS_KB = 120;

const dist = fileURLToPath(new URL('../static/dist/', import.meta.url));
const kilobytes = (name) => gzipSync(readFileSync(dist + name), { level: 9 }).length / 1000;
const sum = (names) => names.reduce((total, name) => total + kilobytes(name), 0);
const first = new Set();
let failed = false;

function judge(what, size, limit) {
  const over = size > limit;
  failed ||= over;
  console.log(`${over ? 'OVER ' : 'ok   '}${what.padEnd(44)}${size.toFixed(1).padStart(7)} of ${limit} kB`);
}

for (const page of readdirSync(dist).filter((name) => name.endsWith('.html'))) {
  const html = readFileSync(dist + page, 'utf8');
  const linked = [...html.matchAll(/(?:src|href)="\/static\/(assets\/[^"]+)"/g)].map(([, name]) => name);
  for (const name of linked) first.add(name);
  judge(`${page}: JavaScript`, sum(linked.filter((name) => name.endsWith('.js'))), FIRST_JS_KB);
  judge(`${page}: CSS`, sum(linked.filter((name) => name.endsWith('.css'))), FIRST_CSS_KB);
}
const later = readdirSync(`${dist}assets`).map((name) => `assets/${name}`);
for (const name of later.filter((one) => /\.(js|css)$/.test(one) && !first.has(one))) {
  judge(`later: ${name}`, kilobytes(name), /hls/i.test(name) ? LATER_HLS_KB : LATER_KB);
}
process.exit(failed ? 1 : 0);
