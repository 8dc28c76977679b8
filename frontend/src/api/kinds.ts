// Short names for what the API answers.
import type { Calls } from './schema.ts';

export type Home = Calls['GET /home']['answer'];
export type Run = Calls['GET /runs']['answer']['rows'][number];
export type RunDetail = Calls['GET /runs/{id}']['answer'];
export type Curves = Calls['GET /runs/{id}/curves']['answer'];
export type LogLine = Calls['GET /runs/{id}/logs']['answer']['lines'][number];
export type Dataset = Calls['GET /datasets']['answer']['rows'][number];
export type DatasetDetail = Calls['GET /datasets/{digest}']['answer'];
export type Rules = DatasetDetail['contract'][string][string];
export type Profile = Calls['GET /datasets/{digest}/profile']['answer'];
export type Profiled = Profile['columns'][number];
export type Difference = Calls['GET /datasets/{digest}/difference']['answer'];
export type Source = Calls['GET /sources']['answer']['rows'][number];
export type SourceDetail = Calls['GET /sources/{name}']['answer'];
