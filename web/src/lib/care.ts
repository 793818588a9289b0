/** How the server looks after files: what the pages know of retention, space, backups and integrity. */

export const CARE = {
  settings: '/api/v1/files/settings',
  storage: '/api/v1/files/storage',
  quotas: '/api/v1/files/quotas',
  backups: '/api/v1/files/backups',
  integrity: '/api/v1/files/integrity',
} as const;

/** How long what was deleted or replaced is kept. */
export type Retention = {
  trash_days: number;
  trash_keep_free_percent: number;
  version_days: number;
  version_keep: number;
};

/** What one tree holds; owner '' is the household. */
export type Space = {
  owner: string;
  owner_name: string;
  files: number;
  bytes: number;
  trash_bytes: number;
  version_bytes: number;
  quota: number | null;
};

export type StorageUse = {
  spaces: Space[];
  free: number;
  total: number;
  floor: number;
  warning?: string;
};

export type BackupSchedule = {
  directory: string;
  /** 0: only when somebody asks for it. */
  every_hours: number;
  keep: number;
};

export type BackupRun = {
  id: string;
  place: string;
  started: string;
  finished: string | null;
  files: number;
  bytes: number;
  new_bytes: number;
  error: string;
};

export type Backups = {
  schedule: BackupSchedule;
  last: BackupRun | null;
  running: BackupRun | null;
  runs: BackupRun[];
};

export type Damage = {
  sha256: string;
  kind: string;
  found_at: string;
  healed_at: string | null;
  files: { id: string; name: string }[];
};

export type Integrity = {
  files: number;
  bytes: number;
  last_finished: string | null;
  running: { started: string; files: number; bytes: number; of_bytes: number } | null;
  damaged: Damage[];
  damaged_now: number;
};

const HOUR_MS = 3_600_000;
/** How much later than planned a backup may come before it is called overdue: half of its interval, and a little. */
const PATIENCE = 1.5;
const PATIENCE_MS = HOUR_MS;
/** Without a schedule a backup is a matter of remembering: after this it is worth a word. */
const UNSCHEDULED_MS = 7 * 24 * HOUR_MS;

export type BackupState = 'none' | 'never' | 'failed' | 'overdue' | 'fresh';

/** How the backups are doing: the one word that the dashboard says. */
export function backupState(backups: Pick<Backups, 'schedule' | 'last' | 'runs'>, now: number): BackupState {
  const { schedule, last, runs } = backups;
  const scheduled = schedule.every_hours > 0;
  if (!last) {
    if (runs.some(({ error }) => error !== '')) return 'failed';
    return schedule.directory === '' ? 'none' : 'never';
  }
  const age = now - Date.parse(last.finished ?? last.started);
  const newest = runs[0];
  if (newest && newest.error !== '' && Date.parse(newest.started) > Date.parse(last.started)) return 'failed';
  const limit = scheduled ? schedule.every_hours * HOUR_MS * PATIENCE + PATIENCE_MS : UNSCHEDULED_MS;
  return age > limit ? 'overdue' : 'fresh';
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
