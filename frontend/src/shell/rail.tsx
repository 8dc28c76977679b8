// The left rail: groups in the order data flows; a group without a page that the reader may see is left out.
import { useState } from 'preact/hooks';
import { me } from '../api/client.ts';
import { useCell } from '../parts/cell.ts';
import { Icon } from '../parts/icons.tsx';
import { recall, remember } from '../parts/place.ts';
import { allows } from '../parts/rights.ts';
import { GROUPS, ROUTES } from '../routes.ts';

export function Rail({ path }: { path: string }) {
  const who = useCell(me);
  const [folded, fold] = useState(recall('aimass.rail') === 'folded');
  const turn = () => {
    remember('aimass.rail', folded ? null : 'folded');
    fold(!folded);
  };
  const groups = GROUPS.map((name) => ({ name, pages: ROUTES.filter((route) => route.group === name && allows(who, route.needs)) }));
  return (
    <nav class={`rail${folded ? ' folded' : ''}`} aria-label="Pages">
      <a class="brand" href="#/" aria-label="AI Mass, home"><Mark /><span>AI Mass</span></a>
      {groups.filter((group) => group.pages.length).map((group) => (
        <div key={group.name} class="group">
          {group.name && <h2>{group.name}</h2>}
          <ul>{group.pages.map((route) => (
            <li key={route.path}>
              <a href={`#${route.path}`} title={folded ? route.title : undefined} aria-current={isIn(path, route.path) ? 'page' : undefined}>
                <Icon name={route.icon ?? 'more'} /><span>{route.title}</span>
              </a>
            </li>
          ))}</ul>
        </div>
      ))}
      <button type="button" class="quiet fold" aria-expanded={!folded} aria-label={folded ? 'Widen the rail' : 'Fold the rail'} onClick={turn}><Icon name="fold" /><span>Fold</span></button>
    </nav>
  );
}

const isIn = (path: string, page: string): boolean => path === page || (page !== '/' && path.startsWith(`${page}/`));

export function Mark() {
  return (
    <svg class="mark-of-us" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <path d="M6 23 12 12 17 19 26 8" fill="none" stroke-width="3" stroke-linecap="round" stroke-linejoin="round" /><circle cx="26" cy="8" r="3" />
    </svg>
  );
}
