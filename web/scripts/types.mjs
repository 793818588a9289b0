// Generates src/lib/schema.d.ts from the committed description of the API. It is git-ignored: never edited, and
// made anew by every `npm run check`, so that a change of the API shows where a page no longer fits it.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const golden = new URL('../../internal/app/testdata/openapi.golden.json', import.meta.url);
const target = new URL('../src/lib/schema.d.ts', import.meta.url);

if (existsSync(golden)) {
  await writeFile(target, astToString(await openapiTS(golden, { alphabetize: true })));
} else if (existsSync(target)) {
  console.warn(`${fileURLToPath(golden)} is missing; the types made before are used.`);
} else {
  console.error(`${fileURLToPath(golden)} is missing, and without it there are no types to check against.`);
  process.exit(1);
}
