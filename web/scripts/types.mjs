// Generates src/lib/schema.d.ts from the committed description of the API (git-ignored: never edited, never stale).
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const golden = new URL('../../internal/app/testdata/openapi.golden.json', import.meta.url);
if (!existsSync(golden)) {
  console.error(`${fileURLToPath(golden)} is missing: run "go test ./internal/app -update" first.`);
  process.exit(1);
}
const ast = await openapiTS(golden, { alphabetize: true });
await writeFile(new URL('../src/lib/schema.d.ts', import.meta.url), astToString(ast));
