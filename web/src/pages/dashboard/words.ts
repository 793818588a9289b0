/** Sentences about what goes beyond a limit of the charts. */
import { MOST_CHARTS } from '../../lib/arrangement';
import { plural } from '../../lib/format';

export const words = {
  tooMany: (room: number) =>
    `There can be ${MOST_CHARTS} charts; ${plural(room, 'more fits', 'more fit')}. Choose fewer figures.`,
  taken: `There are ${MOST_CHARTS} charts already, added in another browser: what was added here is not kept.`,
  moreHappened: 'More happened in this time than is told here.',
};
