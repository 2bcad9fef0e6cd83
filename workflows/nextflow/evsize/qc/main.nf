process EVSIZE_QC {
    tag "$meta.id"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "evsize:0.1.0"

    input:
    tuple val(meta), path(results, stageAs: 'results/*')
    path manifest
    path profile

    output:
    tuple val(meta), path("${prefix}/qc.json")  , emit: json
    tuple val(meta), path("${prefix}/qc.csv")   , emit: csv
    tuple val(meta), path("${prefix}/junit.xml"), emit: junit
    tuple val(meta), env('VERDICT')             , emit: verdict
    path "${prefix}/*_mqc.json"                 , emit: multiqc
    path "versions.yml"                         , emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args   = task.ext.args ?: ''
    def groups = manifest ? "--manifest ${manifest}" : ''
    def limits = profile ? "--profile ${profile}" : ''
    prefix     = task.ext.prefix ?: "${meta.id}"
    """
    export NUMBA_CACHE_DIR=\$PWD/.numba

    evsize qc \\
        results/* \\
        --output ${prefix} \\
        ${groups} \\
        ${limits} \\
        ${args}

    VERDICT=\$(python3 -c "import json; print(json.load(open('${prefix}/qc.json'))['verdict'])")

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        evsize: \$(evsize --version | sed 's/evsize //')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir -p ${prefix}
    touch ${prefix}/qc.json ${prefix}/qc.csv ${prefix}/junit.xml ${prefix}/evsize_mqc.json
    VERDICT=pass

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        evsize: \$(evsize --version | sed 's/evsize //')
    END_VERSIONS
    """
}
