/** How many devices gave each group of metrics, and which share opted out. */
import type { WindowResult } from '@onlysum/metrics';
import type { JSX } from 'preact';
import type { TaskView } from '../api/contract.js';
import { DataTable } from '../view/data-table.js';
import { estimate, number, share, title } from '../view/format.js';

export function GroupsCard({
  task,
  estimates: { groups },
}: {
  readonly task: TaskView;
  readonly estimates: WindowResult;
}): JSX.Element {
  return (
    <section class="card" aria-labelledby="groups-title">
      <h2 id="groups-title">Who answered</h2>
      <DataTable
        caption="Respondents by group"
        columns={[{ label: 'Group' }, { label: 'Devices' }, { label: 'Opted out' }]}
        rows={Object.entries(groups).map(([name, result]) => {
          const group = task.groups.find((each) => each.name === name);
          const heading = (
            <>
              {title(name)}
              <small>{group?.purpose}</small>
            </>
          );
          if ('suppressed' in result) {
            return [heading, `not shown: fewer than ${number(result.suppressed.required)}`, '–'];
          }
          const { respondents, optOutRate } = result;
          return [
            heading,
            estimate(respondents),
            optOutRate === undefined ? 'essential: nobody can' : estimate(optOutRate, share),
          ];
        })}
      />
    </section>
  );
}
