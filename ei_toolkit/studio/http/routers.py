"""Paths. Each route reads the request, asks the store or queues a job, and answers; nothing else."""

from __future__ import annotations

from fastapi import APIRouter

from ei_toolkit.studio.http import (
    classify,
    dataset,
    deployments,
    dsp,
    dsp_runs,
    exports,
    impulse_variants,
    impulses,
    ingestion,
    jobs,
    keys,
    learn,
    pretrained,
    project,
    projects,
    sample_edits,
    samples,
    targets,
)
from ei_toolkit.studio.http import (
    not_implemented as absent,
)
from ei_toolkit.studio.http import (
    start_jobs as start,
)
from ei_toolkit.studio.live import session as live

API_ROUTERS: tuple[APIRouter, ...] = (
    projects.router,
    deployments.everywhere,
    project.router,
    keys.router,
    targets.router,
    dataset.router,
    samples.router,
    sample_edits.router,
    impulses.router,
    impulse_variants.router,
    dsp.router,
    dsp_runs.router,
    learn.router,
    pretrained.router,
    start.router,
    exports.router,
    jobs.router,
    classify.router,
    deployments.router,
    live.router,
    absent.router,
)
INGESTION_ROUTERS: tuple[APIRouter, ...] = (ingestion.router,)
