/** Where a menu opens: beside a button, or at the pointer. */
export type MenuPlace = { left: number; top: number; bottom: number };
