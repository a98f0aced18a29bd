"""Paths. Each route reads the request, asks the store or queues a job, and answers; nothing else."""

from __future__ import annotations

from fastapi import APIRouter

from ei_toolkit.studio.routes import (
    classify,
    deployments,
    dsp,
    impulses,
    ingestion,
    jobs,
    learn,
    live,
    project,
    projects,
    sample_edits,
    samples,
    start,
)

API_ROUTERS: tuple[APIRouter, ...] = (
    projects.router,
    deployments.everywhere,
    project.router,
    samples.router,
    sample_edits.router,
    impulses.router,
    dsp.router,
    learn.router,
    start.router,
    jobs.router,
    classify.router,
    deployments.router,
    live.router,
)
INGESTION_ROUTERS: tuple[APIRouter, ...] = (ingestion.router,)
