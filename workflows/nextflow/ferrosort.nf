#!/usr/bin/env nextflow
// Sorts recordings with ferrosort: one process each for the plan, the sorting and the report of a recording, and one page over all.
// README.md explains the parameters and what was tried.

nextflow.enable.dsl = 2

params.ecephys_path = System.getenv('DATA_PATH') ?: "${launchDir}/data"
params.results_path = System.getenv('RESULTS_PATH') ?: "${launchDir}/results"
params.pattern = '*'
// Unfinished sortings are kept here: the work folder of a process is another one on each attempt.
params.scratch_path = "${params.results_path}/.unfinished"
params.ferrosort = 'ferrosort'
params.ferrosort_args = ''
params.sort_args = ''
params.threads = 8
params.memory_margin = 1.25
params.time_margin = 3

process plan_ferrosort {
    tag "${session}"
    label 'plan'
    cpus params.threads

    input:
    tuple val(session), path(recording)

    output:
    tuple val(session), path(recording), path('plan.json')

    script:
    """
    ${params.ferrosort} plan ${recording} ${params.ferrosort_args} --threads ${task.cpus} --json > plan.json
    """
}

process spikesort_ferrosort {
    tag "${session}"
    label 'spikesort'
    publishDir "${params.results_path}/spikesorted", mode: 'copy'
    cpus { planned.threads as int }
    memory { "${Math.ceil((planned.memory_bytes / 1048576 * params.memory_margin + 256) * task.attempt) as int} MB" }
    time { "${Math.ceil((planned.seconds * params.time_margin + 600) * task.attempt) as int} s" }

    input:
    tuple val(session), path(recording), val(planned)

    output:
    tuple val(session), path("${session}"), emit: sorting

    script:
    """
    mkdir -p "${params.scratch_path}"
    ${params.ferrosort} sort ${recording} ${params.ferrosort_args} ${params.sort_args} --overwrite \
        --output "${params.scratch_path}/${session}" --threads ${task.cpus} --memory ${task.memory.toMega()}M
    mv "${params.scratch_path}/${session}" "${session}"
    """
}

process report_ferrosort {
    tag "${session}"
    label 'report'
    publishDir "${params.results_path}/spikesorted", mode: 'copy'
    cpus params.threads

    input:
    tuple val(session), path(sorting)

    output:
    path "${session}-report.html"

    script:
    """
    ${params.ferrosort} report ${sorting} --threads ${task.cpus}
    """
}

process summary_ferrosort {
    label 'summary'
    publishDir "${params.results_path}/spikesorted", mode: 'copy'

    input:
    path sortings
    path reports

    output:
    path 'summary.html'
    path 'summary.json'

    script:
    """
    ${params.ferrosort} summary ${sortings} --output summary.html --json summary.json
    """
}

workflow {
    recordings = Channel
        .fromPath("${params.ecephys_path}/${params.pattern}", type: 'any', checkIfExists: true)
        .map { recording -> tuple(recording.baseName, recording) }
    plans = plan_ferrosort(recordings)
        .map { session, recording, plan -> tuple(session, recording, new groovy.json.JsonSlurper().parseText(plan.text)) }
    spikesort_ferrosort(plans)
    reports = report_ferrosort(spikesort_ferrosort.out.sorting)
    summary_ferrosort(spikesort_ferrosort.out.sorting.map { it[1] }.collect(), reports.collect())
}
