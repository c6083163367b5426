/** The same 10,000 mutated custom jobs at the reference's `channels_sv2` and at our `miningServer`. */
import { afterEach, expect, it } from '@jest/globals';
import {
  differenceOf,
  jobCommand,
  mutatedJobs,
  opening,
  ourChannel,
  shareCommand,
  shown,
} from '../shares/custom-jobs.js';
import type { Json } from '../shares/place.js';
import { inbox } from '../support/inbox.js';
import { sriPeer } from '../support/paths.js';
import { startProgram, stopPrograms } from '../support/process.js';

afterEach(stopPrograms);

/** The same every time, unless the environment has another one. */
const seed = Number(process.env['INTEROP_SEED'] ?? 20_240_117);
const count = 10_000;

/** What the session has to contain, so that agreement means something. */
const judgements = [
  'both refuse it',
  'both take it',
  'customJobPath',
  'customJobTime',
  'customJobTip',
  'customJobTrailing',
];

it(`agree on ${count} custom jobs made from seed ${seed}`, async () => {
  const program = startProgram(sriPeer, ['shares']);
  const answers = inbox<Json>('sri-peer shares');
  program.lines.push = (line) => answers.push(JSON.parse(line) as Json);
  const ask = (command: Json): Promise<Json> => {
    program.write(JSON.stringify(command));
    return answers.take(`an answer to ${String(command['cmd'])}`, () => true);
  };
  expect(await ask(opening)).toMatchObject({ ok: true });
  const channel = ourChannel();

  const counts = new Map<string, number>();
  for (const [number, job] of mutatedJobs(seed, count).entries()) {
    const theirs = await ask(jobCommand(job));
    const ours = channel.set(job);
    const where = { seed, number, job: shown(job) };
    let judgement = 'both refuse it';
    if ('jobId' in ours) {
      // nothing is taken here that the reference refuses, and what both take is the same job
      expect({ ...where, theirs }).toMatchObject({ theirs: { ok: true } });
      const verdict = await ask(shareCommand(number, theirs['jobId'] as number, job));
      expect({ ...where, hash: channel.share(number, ours.jobId, job) }).toEqual({
        ...where,
        hash: verdict['shareHash'],
      });
      judgement = 'both take it';
    } else if (theirs['ok'] === true) {
      const difference = differenceOf(job, ours.errorCode);
      expect({ ...where, ours, difference }).toMatchObject({ difference: expect.any(String) as never });
      judgement = String(difference);
    }
    counts.set(judgement, (counts.get(judgement) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual(judgements);
  const table = [...counts].map(([name, times]) => `${name} ${times}`).join(', ');
  process.stdout.write(`seed ${seed}: ${table}\n`);
});
