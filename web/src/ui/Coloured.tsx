import bash from 'highlight.js/lib/languages/bash';
import go from 'highlight.js/lib/languages/go';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import python from 'highlight.js/lib/languages/python';
import rust from 'highlight.js/lib/languages/rust';
import { createLowlight } from 'lowlight';
import { memo, type ReactNode } from 'react';
import type { Language } from './Code.tsx';
import './Coloured.css';

const lowlight = createLowlight({ bash, go, javascript, json, python, rust });

/** Longer texts are shown plain: nobody waits for colours. */
const LONGEST_CHARS = 100_000;

type Node = ReturnType<typeof lowlight.highlight>['children'][number];

/** The words of a text in their colours: a tree of elements, never HTML that somebody else wrote. */
export default memo(function Coloured({ text, language }: { text: string; language: Exclude<Language, 'text'> }) {
  if (text.length > LONGEST_CHARS) return text;
  return lowlight.highlight(language, text).children.map(element);
});

function element(node: Node, key: number): ReactNode {
  if (node.type === 'text') return node.value;
  if (node.type !== 'element') return null;
  const names = node.properties.className;
  return (
    <span key={key} className={Array.isArray(names) ? names.join(' ') : undefined}>
      {node.children.map((child, place) => element(child as Node, place))}
    </span>
  );
}
