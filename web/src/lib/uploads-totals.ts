/** What the queue comes to. */
import { isOpen, type QueueTotals, type Upload } from './uploads-types';

export function totalsOf(uploads: readonly Upload[], speed: number): QueueTotals {
  const totals: QueueTotals = {
    count: 0,
    done: 0,
    failed: 0,
    open: 0,
    paused: 0,
    conflicts: 0,
    fileless: 0,
    bytes: 0,
    sentBytes: 0,
    speed,
  };
  for (const upload of uploads) {
    if (upload.state === 'skipped') continue;
    totals.count++;
    totals.bytes += upload.size;
    totals.sentBytes += upload.state === 'done' ? upload.size : upload.sent;
    if (upload.state === 'done') totals.done++;
    else if (upload.state === 'failed') totals.failed++;
    else if (upload.state === 'paused') totals.paused++;
    else if (upload.state === 'conflict') totals.conflicts++;
    else if (upload.state === 'fileless') totals.fileless++;
    else if (isOpen(upload)) totals.open++;
  }
  return totals;
}
