import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { differences, type Difference } from './differences.js';

it('are told in spec/interop/README.md as they are listed here', () => {
  const readme = readFileSync(new URL('../interop/README.md', import.meta.url), 'utf8');
  const told = readme.split('\n').filter((line) => /^\| `\w+`: /.test(line));
  const listed = Object.entries<Difference>(differences).map(
    ([name, { vectors, reference, ours, source }]) =>
      `| \`${name}\`: ${vectors} | ${reference} | ${ours} | ${source} |`,
  );
  expect(told).toEqual(listed);
});
