/** The page of settings, and what the dashboard says of it. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messages } from '../src/messages/en';
import { settings as words } from '../src/messages/en.settings';
import { audit } from './harness/audit';
import { panel, picker, upload } from './harness/files';
import { BOB, signInByScript } from './harness/people';
import { DASHBOARD, expect, FILES, SETTINGS, test, until } from './harness/test';

const care = messages.dashboard.storage;

test('backups: set up, run, and shown with their age', async ({ server, open }) => {
  await server.api.upload({ name: 'note.txt' });
  const dashboard = await open(DASHBOARD);
  await dashboard.getByText(care.noBackup).waitFor();
  await dashboard.getByText(care.backups.never).waitFor();
  const page = await open(SETTINGS);
  await page.getByText(words.backup.states.none).waitFor();
  const directory = join(server.folder, 'backup');
  mkdirSync(directory);
  await page.getByLabel(words.backup.directory, { exact: true }).fill(directory);
  await page.getByLabel(words.backup.every).selectOption('24');
  await page.getByLabel(words.backup.keep).fill('none');
  const section = page.getByRole('region', { name: words.backup.title });
  await section.getByRole('button', { name: words.save }).click();
  await section.getByText(words.whole).waitFor();
  await page.getByLabel(words.backup.keep).fill('3');
  await section.getByRole('button', { name: words.save }).click();
  await page.getByText(words.saved).waitFor();
  await section.getByRole('button', { name: words.backup.run }).click();
  await section.getByText(words.backup.states.fresh).waitFor();
  await section
    .getByText(/1 content, .* of which .* new/)
    .first()
    .waitFor();
  expect(readdirSync(directory).length).toBeGreaterThan(0);
  await audit(page, 'a backup');
  await page.reload();
  await expect
    .poll(() => page.getByLabel(words.backup.directory, { exact: true }).inputValue())
    .toBe(directory);
  await dashboard.reload();
  await dashboard
    .getByText(care.backup('now'))
    .or(dashboard.getByText(/Last backup \d+ minutes? ago/))
    .waitFor();
});

test('a backup that fails says why', async ({ server, open, guard }) => {
  guard.expect(/answer [45]\d\d|status of [45]\d\d/);
  const page = await open(SETTINGS);
  const section = page.getByRole('region', { name: words.backup.title });
  const file = join(server.folder, 'a-file');
  writeFileSync(file, 'no directory');
  await page.getByLabel(words.backup.directory, { exact: true }).fill(join(file, 'below'));
  await section.getByRole('button', { name: words.save }).click();
  await section
    .locator('.problem')
    .filter({ hasText: /\w/ })
    .or(page.getByText(words.saved))
    .first()
    .waitFor();
  if (await section.locator('.problem').filter({ hasText: /\w/ }).isVisible()) return;
  await section.getByRole('button', { name: words.backup.run }).click();
  await section
    .getByText(/^Failed: /)
    .first()
    .waitFor();
  await section.getByText(words.backup.states.failed).waitFor();
});

test('trash and versions: kept as long as is said', async ({ server, open }) => {
  const page = await open(SETTINGS);
  const section = page.getByRole('region', { name: words.retention.title });
  await section.getByLabel(words.retention.trashDays).fill('4000');
  await section.getByRole('button', { name: words.save }).click();
  await section.getByText(words.between(0, 3650)).waitFor();
  await section.getByLabel(words.retention.trashDays).fill('14');
  await section.getByLabel(words.retention.versionKeep).fill('5');
  await section.getByRole('button', { name: words.save }).click();
  await page.getByText(words.saved).waitFor();
  const saved = await server.api.json<Record<string, number>>('GET', '/api/v1/files/settings');
  expect(saved).toMatchObject({ trash_days: 14, version_keep: 5 });
});

test('a limit stops uploads with a sentence, and can be taken away', async ({ server, open, guard }) => {
  await server.api.addPerson(BOB);
  const page = await open(SETTINGS);
  const bob = page.getByRole('row', { name: BOB.display_name });
  await bob.getByRole('button', { name: words.space.changeOf(BOB.display_name) }).click();
  const box = page.getByRole('dialog', { name: words.space.dialog(BOB.display_name) });
  await box.getByLabel(words.space.label).fill('much');
  await box.getByRole('button', { name: words.save }).click();
  await box.getByText(words.space.wrong).waitFor();
  await audit(page, 'a limit');
  await box.getByLabel(words.space.label).fill('0.001');
  await box.getByRole('button', { name: words.save }).click();
  await bob.getByText(/^1 MB/).waitFor();
  guard.expect(/answer 507|status of 507/);
  const files = await open(FILES, { as: await signInByScript(server.url, BOB) });
  await picker(files).setInputFiles({
    name: 'big.bin',
    mimeType: 'application/octet-stream',
    buffer: Buffer.alloc(3_000_000),
  });
  await panel(files)
    .locator('.notice')
    .getByText(/do not fit into .* are in use\. Nothing was stored\./)
    .waitFor();
  await audit(files, 'no room');
  expect(await upload(files, 'big.bin').getAttribute('class')).toContain('failed');
  await bob.getByRole('button', { name: words.space.changeOf(BOB.display_name) }).click();
  await box.getByLabel(words.space.label).fill('');
  await box.getByRole('button', { name: words.save }).click();
  await page.getByText(words.space.removed(BOB.display_name)).waitFor();
  await files.getByRole('button', { name: messages.files.upload.retry('big.bin') }).click();
  await upload(files, 'big.bin').getByText(messages.files.upload.finished).waitFor();
});

test('integrity: checked now, and damage is named', async ({ server, open }) => {
  await server.api.upload({ name: 'precious.txt', body: 'precious' });
  const page = await open(SETTINGS);
  const section = page.getByRole('region', { name: words.integrity.title });
  await section.getByRole('button', { name: words.integrity.run }).click();
  await section.getByText(/verified, last now/).waitFor();
  await section.getByText(words.integrity.fine).waitFor();
  const dashboard = await open(DASHBOARD);
  await dashboard.getByText(/\d files? verified, last .*, 0 damaged/).waitFor();
});

test('only administrators see it', async ({ server, open }) => {
  await server.api.addPerson({ ...BOB, name: 'eve', display_name: 'Eve' }).catch(() => {});
  const page = await open(SETTINGS, { as: await signInByScript(server.url, { ...BOB, name: 'eve' }) });
  await page.getByText(messages.errors.notYours).waitFor();
  await until(() => page.getByRole('link', { name: messages.shell.settings }).count(), 0);
});
