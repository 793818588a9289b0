/** How the server looks after files: what the pages know of retention, space, backups and integrity. */
import type { components } from './schema';

type Schemas = components['schemas'];

export const CARE = {
  settings: '/api/v1/files/settings',
  storage: '/api/v1/files/storage',
  quotas: '/api/v1/files/storage/quotas',
  backups: '/api/v1/files/backups',
  integrity: '/api/v1/files/integrity',
} as const;

/** How long what was deleted or replaced is kept. */
export type Retention = Schemas['Settings'];
/** What one tree holds; owner '' is the household. */
export type Space = Schemas['SpaceBody'];
export type StorageUse = Schemas['StorageBody'];

type BackupsBody = Schemas['BackupsBody'];
type Running = Omit<NonNullable<BackupsBody['running']>, 'progress'> & {
  progress: Schemas['BackupProgress'] | null;
};
/** The API's description cannot say that a whole object may be null. */
export type Backups = Omit<BackupsBody, 'last' | 'running'> & {
  last: BackupRun | null;
  running: Running | null;
};
export type BackupSchedule = Schemas['ScheduleBody'];
export type BackupRun = Schemas['BackupBody'];

export type Damage = Schemas['DamagedBody'];
export type Integrity = Omit<Schemas['IntegrityBody'], 'running'> & { running: Schemas['PassBody'] | null };

export type BackupState = 'none' | 'never' | 'failed' | 'incomplete' | 'overdue' | 'fresh';

/** How the backups are doing, in one word; whether that is worth a warning, the server decides. */
export function backupState({ schedule, last, runs, warning }: Backups): BackupState {
  if (warning === '') return last ? 'fresh' : schedule.directory === '' ? 'none' : 'never';
  const newest = runs.find(({ finished }) => finished !== null);
  if (newest && newest.error !== '') return newest.state === 'incomplete' ? 'incomplete' : 'failed';
  if (!last) return schedule.directory === '' ? 'none' : 'never';
  return 'overdue';
}

const GB = 1024 ** 3;

/** What was typed as a number of GB, in bytes: null for no limit, undefined when it is no such number. */
export function quotaOf(typed: string): number | null | undefined {
  const text = typed.trim().replace(',', '.');
  if (text === '') return null;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) return undefined;
  return Math.round(value * GB);
}

export function quotaText(quota: number | null): string {
  return quota === null ? '' : String(Math.round((quota / GB) * 1000) / 1000);
}
