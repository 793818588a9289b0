/** Whether the shown values are of this moment. */
export type LiveStatus = 'live' | 'reconnecting' | 'offline';
