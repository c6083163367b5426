/** What is in examples/deploy, parsed, for the specs of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import yaml from 'js-yaml';

export const folder = 'examples/deploy';
export const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
export const load = (name: string): unknown => yaml.safeLoad(read(name));

/** A service of compose.yaml. */
export interface Service {
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly networks: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly stop_signal?: string;
  readonly configs?: readonly { readonly source: string; readonly target: string }[];
}
interface Compose {
  readonly services: Readonly<Record<'pool' | 'template-provider' | 'prometheus' | 'grafana', Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<Record<string, unknown>>;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
  readonly secrets: Readonly<Record<string, { readonly environment: string }>>;
}
interface Board {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}
interface Alerts {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}
interface Prometheus {
  readonly rule_files: readonly string[];
  readonly scrape_configs: readonly {
    readonly job_name: string;
    readonly metrics_path: string;
    readonly authorization: { readonly credentials_file: string };
    readonly static_configs: readonly { readonly targets: readonly string[] }[];
  }[];
}

export const compose = load('compose.yaml') as Compose;
export const prometheus = load('prometheus.yml') as Prometheus;
export const alerts = load('alerts.yml') as Alerts;
export const board = JSON.parse(read('grafana/rx-sv2.json')) as Board;
export const dockerfile = read('Dockerfile');
export const unit = read('rx-sv2-pool.service');
export const { services } = compose;

/** Of a file of lines such as `KEY value` or `KEY=value`, those of one key. */
export const linesOf = (text: string, key: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^ *${key}[ =](.*)$`, 'gm'))].map(([, value = '']) => value);
