import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { loadConfig, number } from '../../src/cli/config.js';
import { environmentFlags } from '../../src/cli/environment.js';
import { jdClientSchema } from '../../src/cli/jd-client-config.js';
import { translatorSchema } from '../../src/cli/translator-config.js';
import { startRole } from './role-support.js';

const schema = z.strictObject({
  text: z.string().default('none'),
  count: number({ min: 0 }).optional(),
  isSo: z.boolean().default(false),
  words: z.array(z.string()).default([]),
  table: z.strictObject({ Variant: z.strictObject({ address: z.string() }).optional() }).optional(),
  servers: z
    .array(z.strictObject({ address: z.string(), encryption: z.boolean().default(true) }))
    .default([]),
});
const load = (environment: Record<string, string>) =>
  loadConfig(schema, environmentFlags(schema, 'ROLE', environment));
const problemsOf = (environment: Record<string, string>): string => {
  try {
    load(environment);
    return '';
  } catch (error) {
    return String(error);
  }
};

describe('settings in environment variables', () => {
  it('are of the kind that the file has: texts, numbers, yes or no, lists, tables, lists of tables in order', () => {
    expect(
      load({
        ROLE__TEXT: '5',
        ROLE__COUNT: '6',
        ROLE__ISSO: 'true',
        ROLE__WORDS: 'a, b,,c',
        ROLE__TABLE__VARIANT__ADDRESS: 'here:1',
        ROLE__SERVER_Z__ADDRESS: 'last',
        ROLE__SERVER_A__ADDRESS: 'first',
        ROLE__SERVER_A__ENCRYPTION: 'false',
        OTHER__TEXT: 'x',
        ROLE_TEXT: 'x',
      }),
    ).toEqual({
      ...{ text: '5', count: 6, isSo: true, words: ['a', 'b', 'c'] },
      table: { Variant: { address: 'here:1' } },
      servers: [
        { address: 'first', encryption: false },
        { address: 'last', encryption: true },
      ],
    });
  });

  it('that are wrong are told by their names, and never with their values', () => {
    expect(problemsOf({ ROLE__COUNT: 'hunter2' })).toContain('ROLE__COUNT: expected a number');
    expect(problemsOf({ ROLE__ISSO: 'hunter2' })).toContain('ROLE__ISSO: ');
    const unknown = {
      ROLE__TEXXT: 'hunter2',
      ROLE__TABLE__X: 'hunter2',
      ROLE__SERVERS: 'hunter2',
      ROLE__: 'hunter2',
    };
    const problems = problemsOf({ ...unknown, ROLE__SERVER_A__KEY: 'hunter2', ROLE__COUNT__X: 'hunter2' });
    expect(problems).toContain('ROLE__TEXXT: unknown setting; did you mean ROLE__TEXT?');
    for (const name of ['TABLE__X', 'SERVERS', 'SERVER_A__KEY', 'COUNT__X'])
      expect(problems).toContain(`ROLE__${name}: `);
    expect(problems + problemsOf({ ROLE__COUNT: 'hunter2' })).not.toContain('hunter2');
  });

  it.each([
    ['TPROXY', translatorSchema],
    ['JDC', jdClientSchema],
  ])('can be all that the file of %s can', (prefix, role) => {
    const keys = Object.entries(role.shape).map(([key]) => key);
    const told = keys.filter((key) => {
      try {
        return environmentFlags(role, prefix, { [`${prefix}__${key.toUpperCase()}`]: '1' }).length === 1;
      } catch {
        return false;
      }
    });
    // what is left are tables, which have variables for their keys
    const left = keys.filter((key) => !told.includes(key));
    expect(left.every((key) => /upstreams|config|telemetry|template_provider/.test(key))).toBe(true);
    expect(told.length).toBeGreaterThan(10);
  });
});

describe('sv2 with settings in the environment', () => {
  afterEach(() => {
    delete process.env['POOL__LISTEN_ADRESS'];
    delete process.env['POOL__SERVER_ID'];
  });

  it('says what a variable should be called, and what one should hold', async () => {
    process.env['POOL__LISTEN_ADRESS'] = '127.0.0.1:0';
    const first = startRole('pool');
    expect(await first.exitCode).toBe(2);
    expect(first.output.stderr).toContain(
      'POOL__LISTEN_ADRESS: unknown setting; did you mean POOL__LISTEN_ADDRESS?',
    );
    delete process.env['POOL__LISTEN_ADRESS'];
    process.env['POOL__SERVER_ID'] = '70000';
    const second = startRole('pool');
    expect(await second.exitCode).toBe(2);
    expect(second.output.stderr).toContain('POOL__SERVER_ID: expected a whole number from 0 to 65535');
  });
});
