import './style/index.css';
import { render } from 'preact';
import { place } from './parts/place.ts';
import { routeOf } from './routes.ts';
import { App } from './shell/app.tsx';

void routeOf(place.value.path)?.route.page(); // while the server is asked who this is
render(<App />, document.getElementById('app')!);
