process EVSIZE_ANALYZE {
    tag "$meta.id"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "evsize:0.1.0"

    input:
    tuple val(meta), path(recording), path(sidecars)
    path settings

    output:
    tuple val(meta), path("${prefix}/*", type: 'dir') , emit: result
    tuple val(meta), path("${prefix}/*/result.json")  , emit: json
    tuple val(meta), path("${prefix}/*/report.html")  , emit: report
    tuple val(meta), env('VERDICT')                   , emit: verdict
    path "${prefix}/*_mqc.json"                       , emit: multiqc
    path "versions.yml"                               , emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args   = task.ext.args ?: ''
    def config = settings ? "--config ${settings}" : ''
    prefix     = task.ext.prefix ?: "${meta.id}"
    """
    export NUMBA_CACHE_DIR=\$PWD/.numba

    evsize analyze \\
        ${recording} \\
        --output ${prefix} \\
        --jobs ${task.cpus} \\
        ${config} \\
        ${args}

    VERDICT=\$(python3 -c "import glob, json; print(json.load(open(glob.glob('${prefix}/*/result.json')[0]))['qc']['verdict'])")

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        evsize: \$(evsize --version | sed 's/evsize //')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir -p ${prefix}/recording
    touch ${prefix}/recording/result.json ${prefix}/recording/report.html
    touch ${prefix}/evsize_mqc.json
    VERDICT=pass

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        evsize: \$(evsize --version | sed 's/evsize //')
    END_VERSIONS
    """
}
