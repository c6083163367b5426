/** `npm run bench:peer`: our pool beside the reference's under the same load; see ../README.md. */
import { parseArgs } from 'node:util';
import { formatTable } from '../table.js';
import { parts, type Effort, type Finding } from './parts.js';
import { findTools } from './tools.js';

const say = (text: string): boolean => process.stderr.write(`${text}\n`);

const number = (option: string, text: string): number => {
  const value = Number(text);
  if (value > 0) return value;
  say(`--${option} must be a number above 0, got ${text}`);
  process.exit(2);
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string' },
    port: { type: 'string', default: '24310' },
    quick: { type: 'boolean', default: false },
    install: { type: 'boolean', default: false },
  },
});
const unknown = positionals.filter((name) => parts[name] === undefined);
if (unknown.length > 0) {
  say(`there is no part ${unknown.join(', ')}: the parts are ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
const effort: Effort = {
  rounds: number('rounds', values.rounds),
  seconds: number('seconds', values.seconds ?? (values.quick ? '3' : '8')),
  warmUp: values.quick ? 1.5 : 3.5,
  tips: values.quick ? 3 : 10,
};
const setting = {
  ...{ effort, firstPort: number('port', values.port), say },
  tools: (() => {
    try {
      return findTools(values.install);
    } catch (error) {
      say(`bench:peer: ${(error as Error).message}`);
      process.exit(2);
    }
  })(),
};

const started = performance.now();
const findings: Finding[] = [];
for (const [name, part] of Object.entries(parts)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  try {
    findings.push(await part(setting));
  } catch (error) {
    // what the others have found is not lost
    process.exitCode = 1;
    say(`${name}: ${(error as Error).message}`);
  }
}
process.stdout.write(`${formatTable(findings.map(({ section }) => section))}\n`);
for (const run of findings.flatMap(({ spoilt }) => spoilt)) say(`with losses: ${run}`);
say(`in ${((performance.now() - started) / 60_000).toFixed(1)} min`);
