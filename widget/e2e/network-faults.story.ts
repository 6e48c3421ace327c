import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { injectFaults, DELAY_MS, TOKENS, type FaultReport } from './support/network-faults.js';
import { cannotRunStories, TestEnvironment } from './support/environment.js';

const CUTS = Number(process.env.WIDGET_CUTS ?? 30);

it.skipIf(cannotRunStories)(
  `${CUTS} random cuts of the network lose, duplicate and corrupt nothing`,
  async () => {
    const environment = await new TestEnvironment().start({ tokens: TOKENS, delayMs: DELAY_MS });
    const verdict = await injectFaults(environment, CUTS);
    const report = tell(verdict);
    console.log(report);
    if (process.env.WIDGET_REPORT) writeFileSync(process.env.WIDGET_REPORT, report);
    expect(verdict).toMatchObject({ lost: 0, doubled: 0, garbled: 0, torn: [] });
    await environment.stop();
  },
  60_000 + CUTS * 10_000,
);

function tell({ seed, faults, messages, lost, doubled, garbled, torn }: FaultReport): string {
  const counted = Object.entries(faults).map(
    ([name, count]) => `${String(count).padStart(12)}  ${name}`,
  );
  const found =
    `${messages} messages: ${lost} lost, ${doubled} doubled, ${garbled} garbled, ` +
    `${torn.length} torn on the screen`;
  return [`${CUTS} faults of the network, seed ${seed}`, ...counted, found].join('\n');
}
