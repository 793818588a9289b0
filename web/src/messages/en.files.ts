/** Every sentence of the files page. */
export const files = {
  title: 'HomeServer Files',
};
