#!/bin/sh -- expect: 65
