/** Rules of alerts that tests and pictures make. */

/** A rule that every machine breaks at once: some memory is always in use. */
export const BROKEN = {
  name: 'Memory is used',
  enabled: true,
  severity: 'critical',
  metric: 'memory_percent',
  instance: '',
  condition: 'above',
  raise: 0.1,
  clear: 0.05,
  for_seconds: 0,
  hold_seconds: 0,
  no_data: 'keep',
};
