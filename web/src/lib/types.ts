/** The shapes of the API's JSON, as /openapi.json describes them. */
export type FileInfo = {
  id: string;
  filename: string;
  content_type: string;
  size: number;
  upload_date: string;
  tags: string[];
  sha256: string | null;
};

export type FileList = { files: FileInfo[]; total: number; next_cursor?: string };
export type UploadAnswer = FileInfo & { message: string };
export type DeleteAnswer = { id: string; message: string; undo_until: string };
export type DeleteManyAnswer = { deleted: string[]; missing: string[]; undo_until: string };
export type RestoreManyAnswer = { restored: string[]; missing: string[] };
export type ChangeTagsAnswer = { changed: number; missing: string[] };
export type TagCount = { tag: string; files: number };
export type TagList = { tags: TagCount[] };

/** null: not known on this platform, or not at this tick. */
export type Known = number | null;

export type SystemStats = {
  cpu_percent: Known;
  memory_percent: Known;
  memory_used_gb: Known;
  memory_total_gb: Known;
  disk_percent: Known;
  disk_used_gb: Known;
  disk_total_gb: Known;
  disk_free_gb: Known;
  load_1: Known;
  load_5: Known;
  load_15: Known;
  cpu_count: Known;
  swap_used_gb: Known;
  swap_total_gb: Known;
  disk_read_bytes_per_second: Known;
  disk_write_bytes_per_second: Known;
  network_received_bytes_per_second: Known;
  network_sent_bytes_per_second: Known;
  scope: 'host' | 'container';
  /** Figures that could not be measured just now and show the last known value. */
  stale?: string[];
};

export type StorageStats = {
  total_files: number;
  total_size_gb: number;
  total_size_bytes: number;
  storage_path: string;
};

export type Host = {
  hostname: string;
  os: string;
  platform: string;
  kernel: string;
  architecture: string;
  container: boolean;
  scope_note: string;
};

export type Dashboard = {
  system: SystemStats;
  storage: StorageStats;
  uptime_seconds: number;
  sampled_at: string;
  host: Host;
};

export type Recent = {
  interval_seconds: number;
  time: number[];
  cpu_percent: Known[];
  memory_percent: Known[];
  disk_percent: Known[];
  disk_read_bytes_per_second: Known[];
  disk_write_bytes_per_second: Known[];
  network_received_bytes_per_second: Known[];
  network_sent_bytes_per_second: Known[];
};
