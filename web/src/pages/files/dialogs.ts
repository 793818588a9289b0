/** What the page may ask, and how an answer comes back to whoever asked. */
import type { Entry } from '../../lib/entry';
import type { Failed, OnConflict } from '../../lib/types';

export type Choice = 'skip' | Exclude<OnConflict, 'keep' | 'fail'>;
/** What to do with each item whose name is taken. */
export type Choices = Map<string, Choice>;

export type OpenDialog =
  | { kind: 'rename'; entry: Entry }
  | { kind: 'tags'; ids: string[] }
  | { kind: 'folder' }
  /** Where to? */
  | { kind: 'target'; entries: Entry[]; copy: boolean }
  | {
      kind: 'conflicts';
      failed: Failed[];
      names: Map<string, string>;
      answer: (choices: Choices | null) => void;
    }
  /** A second word for what concerns many files, or what cannot be undone. */
  | {
      kind: 'confirm';
      title: string;
      text: string;
      action: string;
      /** What has to be typed before the button does it; nothing for what can be undone. */
      typed: string;
      answer: (yes: boolean) => void;
    }
  | { kind: 'changed'; name: string; answer: (both: boolean) => void }
  | null;
