import './style/index.css';
import { render } from 'preact';
import { zone } from './parts/format.ts';
import { place, recall } from './parts/place.ts';
import { routeOf } from './routes.ts';
import { App } from './shell/app.tsx';

zone.name = recall('aimass.zone') ?? '';
void routeOf(place.value.path)?.route.page(); // while the server is asked who this is
const app = document.getElementById('app')!;
app.replaceChildren(); // what was there to be seen before this
render(<App />, app);
