/** Above this share a value is an alarm, as in the original: bar, word and icon change. */
export const ALARM_PERCENT = 80;
