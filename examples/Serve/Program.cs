// A trained FNO behind an HTTP API:
//   dotnet run                                   serves model/last.pt; trains it first if it isn't there
//   dotnet run -- --checkpoint ../../runs/fno/last.pt --urls http://localhost:5080 --max-batch 32 --max-wait-ms 5
//   dotnet run -- --self-test                    starts, asks itself, stops
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Serve;
using TorchZoo;

TorchRuntime.EnsureLoaded();
if (args.Contains("--self-test")) return await SelfTest.Run();
var server = Server.Build(args);
await server.RunAsync();
return 0;

namespace Serve
{
    internal static class Server
    {
        private const string Binary = "application/octet-stream", ShapeHeader = "X-Shape";

        public static WebApplication Build(string[] args)
        {
            var builder = WebApplication.CreateBuilder(args);
            var settings = builder.Configuration;
            var maxPoints = settings.GetValue("max-points", 65536L);
            // A number in JSON has up to 16 characters and a comma.
            var maxBody = settings.GetValue("max-body", 1024 + 17 * maxPoints);
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = maxBody);
            var options = new BatcherOptions(settings.GetValue("max-batch", 16),
                TimeSpan.FromMilliseconds(settings.GetValue("max-wait-ms", 2.0)), settings.GetValue("capacity", 256));
            builder.Services.AddSingleton(_ => Operator.Load(CheckpointOf(settings["checkpoint"])));
            builder.Services.AddSingleton(services => new Batcher(services.GetRequiredService<Operator>().Apply, options));
            builder.Services.ConfigureHttpJsonOptions(json =>
            {
                json.SerializerOptions.RespectNullableAnnotations = true;
                json.SerializerOptions.RespectRequiredConstructorParameters = true;
            });
            builder.Services.AddHealthChecks().AddCheck<WorkerCheck>("worker");
            builder.Services.AddProblemDetails(problems => problems.CustomizeProblemDetails = context =>
            {
                if (StatusOf(context.Exception) < 500 || context.Exception is OverloadedException)
                    context.ProblemDetails.Detail = context.Exception!.Message;
            });

            var app = builder.Build();
            app.UseExceptionHandler(new ExceptionHandlerOptions
            {
                StatusCodeSelector = StatusOf,
                SuppressDiagnosticsCallback = context => StatusOf(context.Exception) < 500,
            });
            app.MapHealthChecks("/health");
            app.MapGet("/stats", (Batcher batcher) =>
            {
                var (batches, answered, cancelled, waiting) = batcher.Counts;
                return new { batches, answered, cancelled, waiting };
            });
            // JSON {"shape": [1, 256], "values": […]}, or the values alone as little-endian float32 with the shape in a header; the answer
            // likewise.
            app.MapPost("/predict", async (HttpRequest request, Operator model, Batcher batcher, CancellationToken cancellation) =>
            {
                var binary = request.ContentType == Binary;
                var sample = binary ? await ReadBinary(request, cancellation) : await ReadJson(request, cancellation);
                model.Check(sample, maxPoints);
                var result = await batcher.Predict(sample, cancellation);
                if (!binary) return Results.Ok(result);
                request.HttpContext.Response.Headers[ShapeHeader] = string.Join(',', result.Shape);
                return Results.Bytes(MemoryMarshal.AsBytes<float>(result.Values).ToArray(), Binary);
            });
            // The checkpoint is read, or found to be none, before the first request.
            app.Services.GetRequiredService<Batcher>();
            return app;
        }

        private static string CheckpointOf(string? given)
        {
            if (given is not null) return given;
            const string folder = "model";
            var path = Path.Combine(folder, "last.pt");
            if (!File.Exists(path)) Console.WriteLine($"trained {path}: relative L2 error {Operator.Train(folder):F3}");
            return path;
        }

        private static async Task<Sample> ReadJson(HttpRequest request, CancellationToken cancellation)
        {
            if (!request.HasJsonContentType())
                throw new BadHttpRequestException($"Expected application/json or {Binary}.", StatusCodes.Status415UnsupportedMediaType);
            try
            {
                return await request.ReadFromJsonAsync<Sample>(cancellation) ?? throw new BadHttpRequestException("Expected an object.");
            }
            catch (JsonException e) { throw new BadHttpRequestException($"The JSON isn't what is expected: {e.Message}", e); }
        }

        private static async Task<Sample> ReadBinary(HttpRequest request, CancellationToken cancellation)
        {
            var parts = request.Headers[ShapeHeader].ToString().Split(',');
            var shape = parts.Select(part => long.TryParse(part, out var size) ? size
                : throw new BadHttpRequestException($"Expected the header {ShapeHeader}, e.g. 1,256.")).ToArray();
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body, cancellation);
            if (body.Length % sizeof(float) != 0) throw new BadHttpRequestException("Expected whole float32 values.");
            return new Sample(shape, MemoryMarshal.Cast<byte, float>(body.GetBuffer().AsSpan(0, (int)body.Length)).ToArray());
        }

        private static int StatusOf(Exception? exception) => exception switch
        {
            BadHttpRequestException bad => bad.StatusCode, // Kestrel's, too: 413 for a body that is too large
            OverloadedException or ObjectDisposedException => StatusCodes.Status503ServiceUnavailable,
            OperationCanceledException => StatusCodes.Status499ClientClosedRequest,
            _ => StatusCodes.Status500InternalServerError,
        };

        private sealed class WorkerCheck(Batcher batcher) : IHealthCheck
        {
            public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken) =>
                Task.FromResult(batcher.IsRunning ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("the worker has stopped"));
        }
    }
}
