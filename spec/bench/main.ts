/** Measures rx-sv2 beside what it is made of, and prints one table: see README.md. */
import { codecSections } from './codec.js';
import { declarationSections } from './declarations.js';
import { frameSections } from './frames.js';
import { handshakeSections } from './handshakes.js';
import { observeSections } from './observe.js';
import { proxySections } from './proxies.js';
import { relaySections } from './relay.js';
import { roundTripSections } from './round-trips.js';
import { jobDistributionSections } from './job-distribution.js';
import { memorySections } from './memory.js';
import { payoutSections } from './payouts.js';
import { silenceSections } from './silence.js';
import { translatorSections } from './translator.js';
import { validationSections } from './validation.js';
import { formatTable, type Section } from './table.js';

const parts: readonly (() => Promise<readonly Section[]>)[] = [
  codecSections,
  frameSections,
  handshakeSections,
  validationSections,
  observeSections,
  silenceSections,
  roundTripSections,
  relaySections,
  proxySections,
  translatorSections,
  jobDistributionSections,
  declarationSections,
  payoutSections,
  memorySections,
];
const wanted = process.argv.slice(2);
const chosen = parts.filter(
  ({ name }) => wanted.length === 0 || wanted.some((part) => name.startsWith(part)),
);
if (chosen.length === 0) {
  process.stderr.write(`there is no part ${wanted.join(', ')}: see README.md\n`);
  process.exit(1);
}

const started = performance.now();
const sections: Section[] = [];
for (const part of chosen) {
  const partStarted = performance.now();
  sections.push(...(await part()));
  process.stderr.write(`${part.name}: ${((performance.now() - partStarted) / 1000).toFixed(1)} s\n`);
}
process.stdout.write(`${formatTable(sections)}\n`);
process.stderr.write(`in ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
