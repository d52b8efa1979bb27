// An evaluation told: headings, words, tables and figures, before they are Markdown or HTML. Data only.

export interface ReportTable {
  readonly caption?: string;
  readonly header: readonly string[];
  /** The first cell of a row names it; the others are figures. */
  readonly rows: readonly (readonly string[])[];
}

export interface ReportFigure {
  /** For its file. */
  readonly name: string;
  /** For whoever does not see it. */
  readonly title: string;
  readonly svg: string;
}

export interface ReportSection {
  readonly heading: string;
  readonly text: readonly string[];
  readonly tables: readonly ReportTable[];
  readonly figures: readonly ReportFigure[];
}

export interface Report {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly sections: readonly ReportSection[];
}
