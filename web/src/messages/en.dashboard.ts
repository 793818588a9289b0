/** Every sentence of the dashboard. */
export const dashboard = {
  title: 'Dashboard',
};
