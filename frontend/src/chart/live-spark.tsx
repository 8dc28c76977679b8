// A small curve of one figure of a run that goes on by itself.
import { useCurves } from './curves.ts';
import { Spark } from './spark.tsx';
import { thin } from './points.ts';

const POINTS = 60;

export function LiveSpark({ run, name }: { run: number; name: string }) {
  const { lines } = useCurves(run, [name], { points: POINTS });
  return <Spark points={thin(lines?.[0]?.points ?? [], 2 * POINTS)} label={`${name} of run ${run}`} />;
}
