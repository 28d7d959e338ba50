import type { ReactNode } from 'react';
import { Tab, TabList, TabPanel, Tabs as AriaTabs } from 'react-aria-components';
import css from './Tabs.module.css';

interface Props {
  label: string;
  tabs: { id: string; title: ReactNode; content: ReactNode }[];
}

export function Tabs({ label, tabs }: Props) {
  return (
    <AriaTabs className={css.tabs!}>
      <TabList aria-label={label} className={css.list!}>
        {tabs.map(({ id, title }) => (
          <Tab key={id} id={id} className={css.tab!}>
            {title}
          </Tab>
        ))}
      </TabList>
      {tabs.map(({ id, content }) => (
        <TabPanel key={id} id={id} className={css.panel!}>
          {content}
        </TabPanel>
      ))}
    </AriaTabs>
  );
}
