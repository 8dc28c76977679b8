// Short names for what the API answers.
import type { Calls } from './schema.ts';

export type Home = Calls['GET /home']['answer'];
export type Run = Calls['GET /runs']['answer']['rows'][number];
export type RunDetail = Calls['GET /runs/{id}']['answer'];
export type Curves = Calls['GET /runs/{id}/curves']['answer'];
export type LogLine = Calls['GET /runs/{id}/logs']['answer']['lines'][number];
