/** `npm run adversary`: attacks everything that listens in every way we know, and measures what honest miners notice of it. */
import { run } from './run.js';
import { heading, line, missed } from './table.js';
import { targets } from './targets.js';

/** All attacks, or those that are asked for: by name, by target, or by both with a slash. */
function chosen(asked: readonly string[]) {
  const all = Object.entries(targets).flatMap(([targetName, target]) =>
    Object.entries(target.attacks).map(([name, attack]) => ({ targetName, target, name, attack })),
  );
  const isMeant =
    (one: string) =>
    ({ targetName, name }: (typeof all)[number]) =>
      [targetName, name, `${targetName}/${name}`].includes(one);
  const unknown = asked.find((one) => !all.some(isMeant(one)));
  if (unknown !== undefined) {
    const known = all.map(({ targetName, name }) => `${targetName}/${name}`).join(', ');
    throw new Error(`no attack is called '${unknown}': ${known}`);
  }
  return asked.length === 0 ? all : all.filter((attack) => asked.some((one) => isMeant(one)(attack)));
}

const attacks = chosen(process.argv.slice(2));
console.log(heading);
const failures: string[] = [];
for (const { targetName, target, name, attack } of attacks) {
  const fullName = `${targetName}/${name}`;
  let result = await run(targetName, target, name);
  // others may have used the machine: what is missed once is measured again
  if (missed(result, attack).length > 0) {
    console.log(line(fullName, result, missed(result, attack)));
    result = await run(targetName, target, name);
  }
  const misses = missed(result, attack);
  console.log(line(fullName, result, misses));
  if (misses.length > 0) failures.push(`${fullName} (${attack.title}): ${misses.join(', ')}`);
}
for (const failure of failures) console.log(`missed by ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
