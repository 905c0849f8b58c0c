# Corpora: a teacher writes, filters choose; and the teacher beside its challenger. Replies are paid for once: ledgers/.


rule generate_corpus:
    """Ask the teacher until every split's quotas are full. Killed, it goes on where its ledger ends."""
    input:
        resources=lambda w: PLAN.resource_files(w.study),
        code=lambda w: PLAN.code("generate_corpus", w.study),
    output:
        rows=f"{CORPUS}/rows.jsonl",
        rejected=f"{CORPUS}/rejected.jsonl",
        summary=f"{CORPUS}/generation.json",
    log:
        f"{LOGS}/generate_corpus/{{study}}-{{teacher}}.log",
    benchmark:
        f"{BENCHMARKS}/generate_corpus/{{study}}-{{teacher}}.tsv"
    conda:
        "../envs/teacher.yaml"
    params:
        config=lambda w: PLAN.corpus_config(w.study),
        ledger=lambda w: PLAN.ledger(w.teacher),
        folder=subpath(output.rows, parent=True),
    shell:
        "python scripts/generate_corpus.py --config {params.config:q} --ledger {params.ledger} --output {params.folder} 2>&1 | tee {log}"


rule compare_teachers:
    """The teacher and its challenger on the same items."""
    input:
        resources=lambda w: PLAN.resource_files(w.study),
        summary=f"{CORPUS}/generation.json",  # so that two jobs never wait for one ledger
        code=lambda w: PLAN.code("compare_teachers", w.study),
    output:
        comparison=f"{CORPUS}/comparison.json",
    log:
        f"{LOGS}/compare_teachers/{{study}}-{{teacher}}.log",
    benchmark:
        f"{BENCHMARKS}/compare_teachers/{{study}}-{{teacher}}.tsv"
    conda:
        "../envs/teacher.yaml"
    params:
        config=lambda w: PLAN.corpus_config(w.study),
        ledgers=LEDGERS,
    shell:
        "python scripts/compare_teachers.py --config {params.config:q} --ledgers {params.ledgers} --output {output.comparison} 2>&1 | tee {log}"


for study_name in PLAN.corpora:  # a rule a study, since each names its own files

    rule:
        name:
            f"write_corpus_{study_name}"
        input:
            resources=PLAN.resource_files(study_name),
            rows=PLAN.rows_file(study_name),
            code=PLAN.code("write_corpus", study_name),
        output:
            chats=PLAN.chat_files(study_name),
            croissant=f"{PLAN.corpus_folder(study_name)}/croissant.json",
            schema=f"{PLAN.corpus_folder(study_name)}/DATA_SCHEMA.md",
        log:
            f"{LOGS}/write_corpus/{study_name}.log",
        benchmark:
            f"{BENCHMARKS}/write_corpus/{study_name}.tsv"
        conda:
            "../envs/data.yaml"
        params:
            config=lambda _, name=study_name: PLAN.corpus_config(name),
            folder=subpath(output.schema, parent=True),
        shell:
            "python scripts/write_corpus.py --config {params.config:q} --rows {input.rows} --output {params.folder} 2>&1 | tee {log}"


rule report_corpus:
    """Yield, rejections, cost, diversity, the two teachers, and what exploits earn under each reward table."""
    input:
        rows=f"{CORPUS}/rows.jsonl",
        rejected=f"{CORPUS}/rejected.jsonl",
        summary=f"{CORPUS}/generation.json",
        comparison=f"{CORPUS}/comparison.json",
        splits=f"{STUDY}/data/splits.json",
        gate=f"{STUDY}/data/rewards_check.json",
        code=lambda w: PLAN.code("report_corpus", w.study),
    output:
        report=f"{CORPUS}/DATA_GENERATION_REPORT.md",
    log:
        f"{LOGS}/report_corpus/{{study}}-{{teacher}}.log",
    benchmark:
        f"{BENCHMARKS}/report_corpus/{{study}}-{{teacher}}.tsv"
    conda:
        "../envs/data.yaml"
    params:
        config=lambda w: PLAN.corpus_config(w.study),
        corpus=subpath(output.report, parent=True),
        data=subpath(input.splits, parent=True),
    shell:
        "python scripts/report_corpus.py --config {params.config:q} --corpus {params.corpus} --data {params.data} --output {output.report} 2>&1 | tee {log}"
