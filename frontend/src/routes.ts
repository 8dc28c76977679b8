// The pages: one line each.  A page is one file whose default export takes the names in its path.
import type { ComponentType } from 'preact';
import { matchPath } from './parts/address.ts';

type Page = () => Promise<{ default: ComponentType<any> }>;

export interface Route {
  path: string;
  title: string;
  group?: string; // of GROUPS: the page stands in the rail
  icon?: string;
  needs?: string; // permission
  page: Page;
}

export const GROUPS = ['', 'Data', 'Training', 'Models', 'Serving', 'Manage', 'More'];

export const ROUTES: Route[] = [
  { path: '/', title: 'Home', group: '', icon: 'home', needs: 'home.see', page: () => import('./pages/home.tsx') },
  { path: '/start', title: 'New project', group: '', icon: 'start', needs: 'files.change', page: () => import('./pages/start.tsx') },
  { path: '/files', title: 'Files', group: 'Data', icon: 'files', needs: 'files.see', page: () => import('./pages/files.tsx') },
  { path: '/sources', title: 'Sources', group: 'Data', icon: 'sources', needs: 'data.see', page: () => import('./pages/sources.tsx') },
  { path: '/sources/:name', title: 'Source', needs: 'data.see', page: () => import('./pages/source.tsx') },
  { path: '/datasets', title: 'Datasets', group: 'Data', icon: 'data', needs: 'data.see', page: () => import('./pages/datasets.tsx') },
  { path: '/datasets/:digest', title: 'Dataset', needs: 'data.see', page: () => import('./pages/dataset.tsx') },
  { path: '/archive', title: 'Import / export', group: 'Data', icon: 'carry', needs: 'archive.use', page: () => import('./pages/archive.tsx') },
  { path: '/new-run', title: 'New run', group: 'Training', icon: 'plus', needs: 'jobs.ask', page: () => import('./pages/new-run.tsx') },
  { path: '/runs', title: 'Runs', group: 'Training', icon: 'runs', needs: 'runs.see', page: () => import('./pages/runs.tsx') },
  { path: '/compare', title: 'Compare', group: 'Training', icon: 'compare', needs: 'runs.see', page: () => import('./pages/compare.tsx') },
  { path: '/runs/:id', title: 'Run', needs: 'runs.see', page: () => import('./pages/run.tsx') },
  { path: '/jobs', title: 'Jobs', group: 'Training', icon: 'jobs', needs: 'jobs.see', page: () => import('./pages/jobs.tsx') },
  { path: '/jobs/:id', title: 'Job', needs: 'jobs.see', page: () => import('./pages/job.tsx') },
  { path: '/endpoints', title: 'Endpoints', group: 'Serving', icon: 'serving', needs: 'endpoints.see', page: () => import('./pages/endpoints.tsx') },
  { path: '/endpoints/:name', title: 'Endpoint', needs: 'endpoints.see', page: () => import('./pages/endpoint.tsx') },
  { path: '/playground', title: 'Playground', group: 'Serving', icon: 'playground', needs: 'endpoints.see', page: () => import('./pages/playground.tsx') },
  { path: '/playground/:name', title: 'Playground', needs: 'endpoints.see', page: () => import('./pages/playground.tsx') },
  { path: '/models', title: 'Registry', group: 'Models', icon: 'models', needs: 'models.see', page: () => import('./pages/models.tsx') },
  { path: '/models/:name/:number', title: 'Model', needs: 'models.see', page: () => import('./pages/model.tsx') },
  { path: '/ledgers', title: 'Ledgers', group: 'Models', icon: 'ledgers', needs: 'ledgers.see', page: () => import('./pages/ledgers.tsx') },
  { path: '/ledgers/:digest', title: 'Ledger', needs: 'ledgers.see', page: () => import('./pages/ledger.tsx') },
  { path: '/advice/:digest', title: 'Advice', needs: 'ledgers.see', page: () => import('./pages/advice.tsx') },
  { path: '/subsystems', title: 'Subsystems', group: 'Manage', icon: 'subsystems', needs: 'subsystems.see', page: () => import('./pages/subsystems.tsx') },
  { path: '/parameters', title: 'Live parameters', group: 'Manage', icon: 'parameters', needs: 'parameters.see', page: () => import('./pages/parameters.tsx') },
  { path: '/logs', title: 'Logs', group: 'Manage', icon: 'log', needs: 'log.see', page: () => import('./pages/logs.tsx') },
  { path: '/users', title: 'Users', group: 'Manage', icon: 'users', needs: 'users.see', page: () => import('./pages/users.tsx') },
  { path: '/keys', title: 'Keys', group: 'Manage', icon: 'keys', needs: 'keys.see', page: () => import('./pages/keys.tsx') },
  { path: '/audit', title: 'Audit', group: 'Manage', icon: 'audit', needs: 'audit.see', page: () => import('./pages/audit.tsx') },
  { path: '/settings', title: 'Settings', group: 'More', icon: 'settings', page: () => import('./pages/settings.tsx') },
  { path: '/help', title: 'Help', group: 'More', icon: 'help', needs: 'home.see', page: () => import('./pages/help.tsx') },
];

export interface Found {
  route: Route;
  names: Record<string, string>;
}

export function routeOf(path: string): Found | null {
  for (const route of ROUTES) {
    const names = matchPath(route.path, path);
    if (names) return { route, names };
  }
  return null;
}
